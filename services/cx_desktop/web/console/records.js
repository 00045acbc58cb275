/** Say at a glance what a record of the log is about. Pure. */

/** Who it is about, empty where nobody is named. @param {any} event */
export function whoOf(event) {
  const people = Array.isArray(event?.data?.participants) ? event.data.participants : [];
  const customer = people.find((/** @type {any} */ each) => each?.role === "customer") ?? people[0];
  if (customer) {
    const [first] = Array.isArray(customer.identifiers) ? customer.identifiers : [];
    return text(customer.name) || (first ? text(first.value) : "") || text(customer.id);
  }
  return text(event?.data?.agent?.name) || text(event?.data?.agent?.id) || text(event?.customer);
}

/** What it says. @param {any} event */
export function wordsOf(event) {
  const { data = {} } = event ?? {};
  for (const name of ["message", "bot", "insight"]) {
    const found = data?.[name];
    if (found && typeof found === "object") {
      const words = text(found.text) || text(found.intent) || text(found.summary);
      if (words) return words;
    }
  }
  return text(data?.note) || text(data?.topic) || text(data?.reason) || text(event?.detail);
}

/** @param {unknown} value */
function text(value) {
  return typeof value === "string" ? value : "";
}
