"""Meta: what of a person is proved, and what somebody could have made up on the way."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.test_meta import ANA, NOON, PAGE, delivery, item, mapped, only

from cx_channels.kit.signing import sign
from cx_channels.provider import Connection
from cx_channels.social.meta import PROVIDER
from cx_events.envelope import Draft

SECRETS = ["a linking secret", "an older one"]


def weights(draft: Draft) -> dict[tuple[str, str], str]:
    """Kind and value of the customer's identifiers, to their weights."""
    people = [one for one in draft.data.participants if one.role == "customer"]
    return {(each.kind, each.value): each.weight for one in people for each in one.identifiers}


def linking(code: str, **settings: Any) -> Draft:
    document = delivery(item(account_linking={"status": "linked", "authorization_code": code}))
    return only(mapped(document, account_linking="account", **settings))


def signed(value: str, secret: str = SECRETS[0], kind: str = "account") -> str:
    return f"{value}.{sign(secret, f'{kind}:{value}'.encode())}"


def test_a_persons_own_id_is_proved() -> None:
    assert weights(only(mapped(delivery(item(message={"mid": "m-1", "text": "hi"}))))) == {
        ("facebook-psid", ANA): "proved"
    }
    comment = {"field": "comments", "value": {"id": "c-1", "text": "hi", "from": {"id": ANA}, "media": {"id": "p-1"}}}
    document = delivery(comment, section="changes", object="instagram")
    assert weights(only(mapped(document))) == {("instagram", ANA): "proved"}


def test_an_address_typed_into_a_form_is_claimed() -> None:
    form = {"screens": [{"responses": [
        {"key": "email", "value": "victim@example.com"}, {"key": "phone", "value": "+15550100123"},
    ]}]}  # fmt: skip
    assert weights(only(mapped(delivery(item(messaging_customer_information=form))))) == {
        ("facebook-psid", ANA): "proved",
        ("email", "victim@example.com"): "claimed",
        ("phone", "+15550100123"): "claimed",
    }


@pytest.mark.parametrize(
    "code",
    [
        "A-1001",
        signed("A-1001")[:-1] + "x",
        signed("A-1001", "another secret"),
        signed("A-1001", kind="email"),
        signed("A-666").replace("A-666", "A-1001"),
        f"A-1001.{sign(SECRETS[0], b'A-1001')}",
        signed(" A-1001"),
        ".",
    ],
)
def test_a_code_without_the_businesss_signature_proves_nothing(code: str) -> None:
    """It stands in an address that the person's own browser opens."""
    for settings in ({}, {"account_linking_secrets": SECRETS}):
        draft = linking(code, **settings)
        assert draft.type == "cx.identity.asserted.v1"
        assert set(weights(draft).values()) - {"claimed"} == {"proved"}
        assert [kind for (kind, _), weight in weights(draft).items() if weight == "proved"] == ["facebook-psid"]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_signed_code_proves_what_it_names(secret: str) -> None:
    draft = linking(signed("A-10.01", secret), account_linking_secrets=SECRETS)
    assert draft.type == "cx.identity.verified.v1"
    assert weights(draft) == {("facebook-psid", ANA): "proved", ("account", "A-10.01"): "proved"}


def test_a_start_warns_of_codes_that_prove_nothing() -> None:
    def warned(**settings: Any) -> tuple[str, ...]:
        return PROVIDER.warnings(Connection("acme-social", "acme", PROVIDER.name, settings=settings))

    assert warned() == ()
    assert len(warned(account_linking="account")) == 1
    assert warned(account_linking="account", account_linking_secrets=SECRETS) == ()


def test_a_user_reference_never_joins_a_persons_thread() -> None:
    """A ``user_ref`` is made in the visitor's browser, so it may be any text, another person's id too."""
    hers = only(mapped(delivery(item(message={"mid": "m-1", "text": "hi"}))))
    opted = {"recipient": {"id": PAGE}, "timestamp": NOON, "optin": {"ref": "x", "user_ref": ANA}}
    strangers = only(mapped(delivery(opted)))
    assert strangers.data.interaction != hers.data.interaction
    assert weights(strangers) == {("facebook-user-ref", ANA): "claimed"}


def test_a_reference_beside_a_persons_id_is_a_claim() -> None:
    message = {"mid": "m-1", "text": "hi"}
    document = delivery(item(message=message, prior_message={"source": "checkbox_plugin", "identifier": "ref-1"}))
    assert weights(only(mapped(document))) == {
        ("facebook-psid", ANA): "proved",
        ("facebook-user-ref", "ref-1"): "claimed",
    }
