"""AWS's own library asks the servers of these tests, and reads their answers: they are as faithful as it demands."""

from __future__ import annotations

import asyncio
from typing import Any

import botocore.session
import msgspec
import pytest
from botocore.exceptions import ClientError
from tests.aws_server import KEY_ID, SECRET, STREAM, AwsVendor, contact_event, queue_serving, stream_serving


def client(vendor: AwsVendor, secret: str = SECRET) -> Any:
    """Return botocore's client of the vendor's service."""
    return botocore.session.Session().create_client(
        vendor.service,
        region_name="eu-central-1",
        endpoint_url=vendor.settings["endpoint"],
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=secret,
    )


async def test_it_reads_and_empties_the_queue() -> None:
    async with queue_serving() as queue:
        queue.say(1)
        url = f"{queue.settings['endpoint']}/123456789012/acme-contacts"

        def read() -> list[str]:
            aws = client(queue)
            got = aws.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=60)["Messages"]
            entries = [{"Id": str(at), "ReceiptHandle": each["ReceiptHandle"]} for at, each in enumerate(got)]
            hidden = [{**each, "VisibilityTimeout": 60} for each in entries]
            assert aws.change_message_visibility_batch(QueueUrl=url, Entries=hidden)["Successful"] == [{"Id": "0"}]
            assert aws.delete_message_batch(QueueUrl=url, Entries=entries)["Successful"] == [{"Id": "0"}]
            failed = aws.delete_message_batch(QueueUrl=url, Entries=entries)["Failed"]
            assert failed[0]["Code"] == "ReceiptHandleIsInvalid"
            return [each["Body"] for each in got]

        assert await asyncio.to_thread(read) == [contact_event(1).decode()]
        assert not queue.messages


async def test_it_reads_the_stream_by_its_shards() -> None:
    async with stream_serving() as stream:
        for number in (2, 4):
            stream.say(number)
        stream.replace(*stream.shards, by=1)

        def read() -> list[bytes]:
            aws = client(stream)
            shards = aws.get_paginator("list_shards").paginate(StreamARN=STREAM).build_full_result()["Shards"]
            assert shards[2]["ParentShardId"], "the child names its parents"
            assert shards[2]["AdjacentParentShardId"]
            summary = aws.describe_stream_summary(StreamARN=STREAM)["StreamDescriptionSummary"]
            assert summary["RetentionPeriodHours"] == 24
            at = {"StreamARN": STREAM, "ShardId": shards[0]["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
            got = aws.get_records(ShardIterator=aws.get_shard_iterator(**at)["ShardIterator"])
            assert "NextShardIterator" not in got, "the shard is closed, and read to its end"
            at |= {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER"}
            at |= {"StartingSequenceNumber": got["Records"][0]["SequenceNumber"]}
            rest = aws.get_records(ShardIterator=aws.get_shard_iterator(**at)["ShardIterator"])
            assert len(rest["Records"]) == 1
            return [each["Data"] for each in got["Records"]]

        assert await asyncio.to_thread(read) == [contact_event(2), contact_event(4)]


async def test_a_wrong_key_is_refused_as_it_expects() -> None:
    async with queue_serving() as queue:
        with pytest.raises(ClientError) as error:
            await asyncio.to_thread(client(queue, "another secret").receive_message, QueueUrl="http://127.0.0.1/q")
        assert error.value.response["Error"]["Code"] == "InvalidSignatureException"
        assert msgspec.json.decode(queue.got[0].body)["QueueUrl"] == "http://127.0.0.1/q"
