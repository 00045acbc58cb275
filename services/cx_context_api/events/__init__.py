"""Answer with one event, and with the files that came with it.

    GET /v1/event?source=S&id=I      the event as it is on the log, with its original
    GET /v1/attachments/{id}         the content of an attachment, or of an event's original

Files from strangers are served so that no browser runs them: as a download, with a type that nothing executes. An
attachment at a provider is never fetched from here: its URL is only the sender's word.

Modules:
``originals`` reads what an event keeps of the provider's request.
``contents`` reads the content of attachments and originals.
``downloads`` makes the headers of a safe download.
``routes`` handles the requests.
"""
