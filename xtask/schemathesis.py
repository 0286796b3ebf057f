"""What schemathesis cannot write by itself: lines of JSON, which are a text."""

import schemathesis

schemathesis.serializer.alias("application/x-ndjson", "text/plain")
