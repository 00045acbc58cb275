"""One event whole, and the files that came with it.

    GET /v1/event?source=S&id=I      the event as it lies on the log, with its original
    GET /v1/attachments/{id}         the content of an attachment, or of an event's original

What a stranger sent is handed out so that a browser runs none of it: as a download, of a type that nothing executes.
An attachment that a provider keeps is never fetched from here: its URL is the sender's word.

Rooms: ``originals`` (what an event keeps of what the provider sent; pure), ``contents`` (where content is read from),
``downloads`` (headers; pure), ``routes`` (the requests).
"""
