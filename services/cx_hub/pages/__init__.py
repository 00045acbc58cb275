"""Serve the pages of a process to people with a browser: the front page at ``/`` and the API's reference at ``/docs``.

They are whole HTML from this process: no script, nothing from another host.

Modules: ``front_page`` (what runs here and where to go, also as JSON), ``api_reference`` (the OpenAPI document as a
page) with ``schema_words`` (schemas in words), ``html`` (escaped text and the page around it), ``routes``.
"""
