"""Compose all services, and run the ``cx`` command.

Modules:

- ``compose`` is the one composition root, from settings to running services; ``app`` puts the HTTP apps together,
  ``pages`` are the front page and the API's reference,
  ``supervise`` keeps tasks running, ``deferred`` stands in for a log or blob store that is not there yet,
  ``tenancies`` tells projectors of each tenant, ``identity_rules`` puts the configured rules in force,
  ``rebuilding`` puts rebuilds together, ``older_folds`` tells when one is due, ``remapping`` lends the adapters to
  operators, ``heavy_reads`` is a process for long reads, ``aws`` lends the hub's own identity at AWS;
- ``cli`` is the command, with a module for each group of commands in ``commands``; ``client`` speaks HTTP to a hub,
  ``resources`` opens what commands need, ``output`` prints, with ``text_table``, ``progress_line`` tells how far long
  work is, ``command_acts`` says who typed a command and why, ``context_view`` renders a context in words,
  ``input_files`` and ``rules_file`` read what a command line names, ``customer_names`` finds the customer whom it
  names;
- ``id_keys`` holds the tenants' keys against the store; the machine: ``home_folder``, ``disk``, ``listening_sockets``,
  ``mail_certificate``;
- ``configuration`` reports what is missing; ``connection_states`` judges connections by that, by what came last and by
  ``request_counts``; ``generated_docs`` writes the tables in ``docs/``;
- ``demo`` tells one customer's story over every channel; ``stack`` runs a real Kafka and PostgreSQL without Docker.
"""
