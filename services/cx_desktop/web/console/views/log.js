/** The log: filters that stand in the address, and records newest first. */

import { h, theirs, unseen } from "../../kit/html.js";
import { LOG_FILTERS, addressOf } from "../address.js";
import { bytesWords, count } from "../numbers.js";
import { whoOf, wordsOf } from "../records.js";
import { chip, heading, link, moreBelow, nothing, panel, table, when } from "./parts.js";

const TOPICS = ["cx.interactions", "cx.dead-letters", "cx.context-changes", "cx.stores"];
const FAMILIES = ["message", "handoff", "identity", "conversation", "operations"];
const NAMES = /** @type {Record<string, string>} */ ({
  text: "Says", type: "Type", connection: "Connection", interaction: "Interaction", customer: "Customer",
  source: "Source", id: "Id", key: "Key", where: "Where", since: "Since", until: "Until", stage: "Stage",
  reason: "Reason", partition: "Partition", topic: "Topic", order: "Order",
});
const HINTS = /** @type {Record<string, string>} */ ({
  type: "cx.message.*", since: "10m, or 2026-11-22T10:00:00Z", until: "5m", where: "data.channel in (chat, sms)",
  customer: "an id of the hub", interaction: "chat-42",
});
const IN_DETAIL = ["type", "connection", "interaction", "customer", "source", "id", "key", "where", "since", "until", "stage", "reason", "partition"];

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act */
export function logPage(state, act) {
  const { filters } = state.place;
  return h(
    "section",
    { "aria-label": "Log" },
    heading("Log", h("span", { class: "meta" }, "nobody's offsets move")),
    filterForm(filters, act),
    inForce(filters, act),
    panel(state, act, "log", (page) => records(state, act, page)),
  );
}

/** @param {Record<string, string>} filters @param {import("./parts.js").Act} act */
function filterForm(filters, act) {
  /** @param {SubmitEvent} event */
  function submit(event) {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const asked = Object.fromEntries([...form].map(([name, value]) => [name, String(value).trim()]));
    act("go", addressOf("log", { ...asked, topic: asked.topic === TOPICS[0] ? "" : asked.topic, follow: filters.follow }));
  }
  const detailed = IN_DETAIL.some((name) => filters[name]);
  // Made anew where the address changes, so that its fields are what the address says.
  return h(
    "form",
    { key: `filter-${JSON.stringify(filters)}`, class: "filter", role: "search", "aria-label": "Filter the log", onsubmit: submit },
    h(
      "div",
      { class: "row wrap" },
      h("label", { class: "field grow" }, unseen("Any text contains"), h("input", { id: "log-text", type: "search", name: "text", value: filters.text ?? "", placeholder: "Any text contains", dir: "auto" })),
      h("label", { class: "sr", for: "log-topic" }, "Topic"),
      h("select", { id: "log-topic", name: "topic", class: "short", value: filters.topic ?? TOPICS[0] }, TOPICS.map((each) => h("option", { key: each, value: each }, each))),
      h("button", { class: "b primary", type: "submit" }, "Filter"),
      link(act, addressOf("log", { ...filters, follow: filters.follow ? "" : 1 }), { class: "pick", "aria-current": filters.follow ? "true" : null }, filters.follow ? "Following" : "Follow"),
    ),
    h(
      "div",
      { class: "row wrap" },
      FAMILIES.map((each) => {
        const type = `cx.${each}.*`;
        const isOn = filters.type === type;
        return link(act, addressOf("log", { ...filters, type: isOn ? "" : type }), { key: each, class: "pick", "aria-current": isOn ? "true" : null }, each);
      }),
    ),
    h(
      "details",
      { open: detailed },
      h("summary", null, "More filters"),
      h(
        "div",
        { class: "fields" },
        IN_DETAIL.map((name) => field(name, filters[name] ?? "")),
        h("div", { key: "order" }, h("label", { class: "label", for: "log-order" }, "Order"), h("select", { id: "log-order", name: "order", value: filters.order ?? "" }, h("option", { value: "" }, "Newest first"), h("option", { value: "oldest" }, "Oldest first"))),
      ),
    ),
  );
}

/** @param {string} name @param {string} value */
function field(name, value) {
  const id = `log-${name}`;
  return h(
    "div",
    { key: name },
    h("label", { class: "label", for: id }, NAMES[name]),
    h("input", { class: "input", id, name, value, placeholder: HINTS[name] ?? "", autocomplete: "off", dir: "auto" }),
  );
}

/** Filters in force, each with what takes it away. @param {Record<string, string>} filters @param {import("./parts.js").Act} act */
function inForce(filters, act) {
  const names = LOG_FILTERS.filter((name) => filters[name]);
  if (!names.length) return null;
  return h(
    "ul",
    { class: "row wrap in-force", "aria-label": "Filters in force" },
    names.map((name) =>
      h("li", { key: name }, link(act, addressOf("log", { ...filters, [name]: "" }), { class: "pick", "aria-label": `Take away the filter ${NAMES[name]}: ${filters[name]}` }, `${NAMES[name]}: `, theirs(filters[name]), " ×")),
    ),
    h("li", { key: "all" }, link(act, addressOf("log"), { class: "pick" }, "All away")),
    h("li", { key: "kept", class: "meta" }, "They stand in the address: keep it or send it."),
  );
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act @param {any} page */
function records(state, act, page) {
  const { filters } = state.place;
  const isFiltered = LOG_FILTERS.some((name) => filters[name] && name !== "order");
  const looked = `${count(page.scanned)} records were looked at.`;
  if (!page.items.length && !isFiltered) return nothing("The log is empty. Events come here as soon as the hub takes one.");
  if (!page.items.length) {
    const ends = page.at_end ? "The log has no more." : "There is more of the log.";
    return [nothing(`Nothing fits these filters. ${looked} ${ends}`, moreBelow(state, act, "log", ""))];
  }
  return [
    table("Records", ["Stored", "Channel", "Type", "Who", "What", "Source"], page.items.map((/** @type {any} */ each) => row(state, act, each))),
    page.at_end && filters.order !== "oldest" ? h("p", { class: "meta" }, "That is all there is.") : moreBelow(state, act, "log", looked),
  ];
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act @param {any} record */
function row(state, act, record) {
  const { value = {} } = record;
  const place = `${record.topic}/${record.partition}/${record.offset}`;
  const isEvent = record.topic === TOPICS[0] && typeof value.source === "string" && typeof value.id === "string";
  const href = isEvent
    ? addressOf("event", { source: value.source, id: value.id })
    : addressOf("record", { topic: record.topic, partition: record.partition, offset: record.offset });
  return h(
    "tr",
    { key: place },
    h("th", { scope: "row", class: "one" }, link(act, href, {}, unseen("Open "), when(state, record.time))),
    h("td", { class: "one" }, value.data?.channel ? theirs(String(value.data.channel)) : ""),
    h("td", { class: "mono one" }, record.withheld ? chip("past", "withheld") : theirs(String(value.type ?? value.reason ?? ""))),
    h("td", null, theirs(whoOf(value))),
    h("td", { class: "said-what" }, record.withheld || record.cut ? h("span", { class: "meta" }, `${bytesWords(record.bytes)}${record.cut ? ", too large for a list" : ", names no tenant"}`) : theirs(wordsOf(value), "span", { class: "two" })),
    h("td", { class: "mono meta" }, theirs(String(value.source ?? place))),
  );
}
