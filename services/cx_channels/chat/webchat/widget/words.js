/* All that the chat says to the visitor. Short, present tense, the cause before the cure. */

export const WORDS = {
  launcher: "Chat",
  region: "Chat with us",
  close: "Close the chat",
  log: "Messages",
  field: "Your message",
  placeholder: "Write a message",
  send: "Send",
  addFile: "Add a file",
  you: "You",
  offline: "No connection. What you write is kept and goes out by itself.",
  tryNow: "Try now",
  ended: "This chat has ended. Write to begin a new one.",
  tooLong: "Not sent: too long. Send it in two parts.",
  unsent: "Not sent yet. It goes out by itself.",
  sending: "Sending…",
  refused: "Not sent: this can’t be taken. Write it in other words.",
  sent: "Sent",
  remove: "Remove",
  noFiles: "Files can’t be sent in this chat.",
  newMessages: (count) => (count === 1 ? "1 new message" : `${count} new messages`),
  bounds: (kinds, most) => `Files: ${kinds}, up to ${most}.`,
  tooLarge: (most) => `Not sent: over ${most}.`,
  unreadable: "Not sent: the file can’t be read. Choose it again.",
  empty: "Not sent: the file is empty.",
  otherType: (kinds) => `Not sent: only ${kinds} can be sent.`,
  fileRefused: (why) => `Not sent: ${why}.`,
};

const KINDS = [
  [/^image\//, "pictures"],
  [/^application\/pdf$/, "PDF"],
  [/^text\//, "text"],
  [/^audio\//, "sound"],
  [/^video\//, "video"],
  [/^application\/(msword|vnd\.(ms-|oasis|openxmlformats))/, "Office documents"],
];

/* Media types as a person calls them: "pictures, PDF, text". */
export function kindsOf(types) {
  const named = types.map((type) => KINDS.find(([pattern]) => pattern.test(type))?.[1] ?? type);
  return [...new Set(named)].join(", ");
}

/* Bytes as a person reads them: "41 KB", "3.4 MB". */
export function sizeOf(bytes) {
  if (bytes < 1024) return bytes === 1 ? "1 byte" : `${bytes} bytes`;
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024)} KB`;
  return `${Math.round((bytes / 1024 / 1024) * 10) / 10} MB`;
}
