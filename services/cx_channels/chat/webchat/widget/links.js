/* Addresses of the web in what somebody wrote. Text in, pieces out: this makes no elements. */

// Characters that end an address wherever they stand (RFC 3986, appendix C), quotation marks in many languages.
const ADDRESS = /\bhttps?:\/\/[^\s<>"“”„«»‹›`\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gi;
const PAIRS = { ")": "(", "]": "[", "}": "{", "）": "（", "】": "【", "」": "「" };
const TRAILING = /[^\p{L}\p{N}\p{M}\p{S}/_#%@-]/u; // punctuation that ends a sentence in any script

/* [{text, href?}], whose texts joined are the text. Only http and https, only what `URL` can read. */
export function pieces(text) {
  const found = [];
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = match[0].slice(0, trimmed(match[0]));
    const href = hrefOf(address);
    if (!href) continue;
    if (match.index > from) found.push({ text: text.slice(from, match.index) });
    found.push({ text: address, href });
    from = match.index + address.length;
  }
  if (from < text.length || !found.length) found.push({ text: text.slice(from) });
  return found;
}

export function hrefOf(address) {
  try {
    const url = new URL(address);
    return ["http:", "https:"].includes(url.protocol) ? url.href : "";
  } catch {
    return "";
  }
}

/* How much of it is the address: a sentence's own marks at its end are not, nor a bracket that it does not open. */
function trimmed(address) {
  const open = new Map();
  for (const character of address) open.set(character, (open.get(character) ?? 0) + 1);
  let length = address.length;
  while (length) {
    const last = address[length - 1];
    const surplus = last in PAIRS ? open.get(last) > (open.get(PAIRS[last]) ?? 0) : TRAILING.test(last);
    if (!surplus) break;
    open.set(last, open.get(last) - 1);
    length--;
  }
  return length;
}
