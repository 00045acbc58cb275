"""Make one context per customer, as a sum of parts.

    facts -> fold -> parts -> merge -> contacts -> threading -> conversations -> document

There is a part for each stream, interaction and hour, and one for each decision about a contact. A part holds only what
combines in any order (sums, minima, maxima, last writers by key, the latest k): so an event that comes late, or twice,
or from another partition, is simply added; a merge of two customers combines other parts and changes none.

Modules:

- ``reference_definition`` states the whole as one pure function over the set of facts; ``store`` keeps it incrementally
  and must give the same bytes;
- ``fold`` adds an event to its part, ``fold_version`` says which code that is, ``fold_faults`` finds events that can't
  be folded, ``parts`` are the parts and how they merge;
- ``threading`` joins contacts into conversations;
- ``sections`` has a module for each section of the context, ``document`` puts them in order,
  ``document_schema`` their JSON Schemas;
- ``incremental`` keeps parts, contacts and conversations of a customer with thousands from one document to the next;
- ``listing`` makes of the same facts what lists and search show;
- ``explain`` says which events made a value;
- ``directory_names`` reads parts and events with the ids of a tenant's directory of agents and queues;
- ``routing_targets`` says which agents and queues a live contact concerns, ``change_notifications`` what is announced
  of a change, ``versions`` how a context's version is made."""
