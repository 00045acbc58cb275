/* All that the chat says to the visitor. Short, present tense, the cause before the cure. A page may say it in other
   words, by `throughlineChat = {words: {...}}` before the script. */

export const WORDS = {
  launcher: "Chat",
  close: "Close the chat",
  log: "Messages",
  field: "Your message",
  send: "Send",
  addFile: "Add a file",
  you: "You",
  offline: "No connection. What you write is kept and goes out by itself.",
  tryNow: "Try now",
  ended: "This chat has ended.",
  endedAt: (time) => `Ended ${timeOf(time)}`,
  reopened: "You’re back.",
  writeAgain: "Write again",
  newChat: "New chat",
  more: "More",
  back: "Back",
  person: "Talk to a person",
  personAsked: "You asked for a person.",
  mayClose: "You can close this page. Your chat is here when you come back.",
  callback: "Call me back",
  callbackAsked: (phone) => `You asked to be called back at ${phone}.`,
  phone: "Number",
  when: "When",
  badPhone: "A number has five digits or more.",
  elsewhere: "Go on elsewhere",
  codeIs: "Use this code on the phone or in the chat on another device:",
  codeUntil: (time) => `Good once, until ${timeOf(time)}.`,
  codeWaits: "One moment…",
  haveCode: "I have a code",
  code: "Code",
  goOn: "Go on",
  continued: "Go on here. We know what you said before.",
  badCode: "A code has eight digits.",
  chats: "Your chats",
  unsentFirst: "Something isn’t sent yet.",
  endChat: "End this chat",
  joined: (name) => `${name || "Somebody"} is here.`,
  typing: (name) => `${name || "Somebody"} is writing…`,
  informed: (name, byBot) => `${name || "Somebody"} has read what you ${byBot ? "told the bot" : "wrote"}.`,
  waiting: ({ position, about_s: seconds }) => {
    const place = position ? (position > 1 ? `You’re number ${position}` : "You’re next") : "You’re waiting for a person";
    return seconds ? `${place}, about ${Math.ceil(seconds / 60)} min` : place;
  },
  delivered: "Delivered",
  read: "Read",
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

export function timeOf(time) {
  return new Date(time).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

const KINDS = [
  [/^image\//, "pictures"],
  [/^application\/pdf$/, "PDF"],
  [/^text\//, "text"],
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
