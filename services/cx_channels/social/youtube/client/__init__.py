"""The client of YouTube's Data API: ``api`` asks, ``refusals`` reads its errors, ``quota`` counts units."""
