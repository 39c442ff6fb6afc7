"""The Worker under test in the real ``workerd``: built, configured, started, measured.

The Worker is alone in its process; every binding is an external service on loopback.
What is started is the bundle that a deployment would have, behind a fixed clock, so
that each request has the same answer every time.
"""
