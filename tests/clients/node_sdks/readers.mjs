// Read requests by vendors' libraries, and say what they find: a list of notices, of which each has what the library
// knows. What is left out was not said; times are in milliseconds.
import { contexts } from "./checks.mjs";

// --- Zendesk ---------------------------------------------------------------------------------------------------------

// Names of the library's classes by the type of an event (conversation:message:delivery:user).
const classOf = type => `${type.replace(/(?:^|:)(\w)/g, (_, letter) => letter.toUpperCase())}Event`;

// The classes of version 2; webhooks of version 1 and of Support are other notices, which the library has not.
async function zendesk({ request }) {
  const models = (await import("sunshine-conversations-client")).default;
  const { events = [] } = JSON.parse(request.text);
  return events.filter(each => classOf(each.type) in models)
    .map(each => sunshine(models[classOf(each.type)].constructFromObject(each)));
}

function sunshine({ id, type, createdAt, payload }) {
  const told = { kind: type, at: Date.parse(createdAt), sender: payload.user?.id };
  if (type === "conversation:read") return { ...told, sender: payload.activity.author.userId };
  if (type === "conversation:postback") return { ...told, id };
  if (type.startsWith("conversation:message:delivery")) return { ...told, id: payload.message.id };
  if (type !== "conversation:message") return told;
  const { message } = payload;
  const { author, content } = message;
  if (message.deleted) return { ...told, id: message.id, sender: author.userId };
  return {
    ...told,
    id: message.id,
    sender: author.userId,
    at: Date.parse(message.received),
    text: content.type === "text" ? content.text : undefined,
    answers: message.quotedMessage?.message?.id ?? "",
    file: content.mediaUrl,
    size: content.mediaSize,
  };
}

// --- the Fediverse ---------------------------------------------------------------------------------------------------

// Activities as an inbox has them. What an activity only names is not fetched.
async function mastodon({ request }) {
  if (request.method === "MESSAGE") return []; // of the API of an account, no activity
  const vocab = await import("@fedify/vocab");
  const loads = { contextLoader: await contexts(), documentLoader: nothing };
  const activity = await vocab.Activity.fromJsonLd(JSON.parse(request.text), loads);
  const kind = activity.constructor.name;
  const told = { kind, sender: activity.actorId?.href };
  if (kind === "Undo") {
    const undone = await activity.getObject({ ...loads, suppressError: true });
    return [{ ...told, kind: `Undo ${undone?.constructor.name}`, id: undone?.objectId?.href }];
  }
  if (kind === "Like" || kind === "Delete" || kind === "Announce") return [{ ...told, id: activity.objectId?.href }];
  if (kind !== "Create" && kind !== "Update") return [told];
  const note = await activity.getObject({ ...loads, suppressError: true });
  if (note === null) return [{ ...told, id: activity.objectId?.href }];
  const files = [];
  for await (const file of note.getAttachments(loads)) files.push(file.url?.href ?? file.url?.href?.href);
  const at = kind === "Update" ? note.updated ?? note.published : note.published;
  return [{
    ...told,
    id: note.id?.href,
    at: at?.epochMilliseconds,
    subject: note.summary?.toString(),
    answers: note.replyTargetId?.href ?? "",
    file: files[0],
  }];
}

async function nothing(address) {
  throw new Error(`${address} is not fetched`);
}

// --- mail ------------------------------------------------------------------------------------------------------------

const plain = id => id?.trim().replace(/^<|>$/g, "");
const [EARLIEST, LATEST] = [Date.UTC(1980, 0), Date.UTC(2100, 0)];
const MINUTE = 60_000;

// The library keeps uuencoded parts as they are.
const isFile = ({ contentDisposition, filename, headers }) =>
  contentDisposition === "attachment" && filename && !/uuencode/.test(headers.get("content-transfer-encoding"));

// Where a field is broken the library says something else, and it is left out here: the present time for a date that it
// can't read, replaced letters for a text of no declared charset, an id with the blanks and comments of old mail, and an
// address of the mail's own for an id.
async function mail({ request }) {
  const { simpleParser } = await import("mailparser");
  const read = await simpleParser(request.body, { skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true });
  const addresses = new Set([read.from, read.to, read.cc].flatMap(each => each ?? []).flatMap(each => each.value)
    .map(each => each.address));
  const id = given => /[\s()]/.test(given ?? "") || addresses.has(given) ? undefined : given;
  const at = read.date?.getTime();
  const isRead = at > EARLIEST && at < LATEST && Math.abs(Date.now() - at) > MINUTE;
  const subject = (read.subject ?? "").replace(/\s+/g, " ").trim();
  return [{
    kind: "mail",
    id: id(plain(read.messageId)),
    sender: read.from?.value[0]?.address,
    at: isRead ? at : undefined,
    subject: /\ufffd|\u00ef\u00bf\u00bd|\+APY-/.test(subject) ? undefined : subject,
    answers: id(plain(read.inReplyTo)),
    size: read.attachments.find(isFile)?.size,
  }];
}

export const reads = { mail, mastodon, zendesk };
