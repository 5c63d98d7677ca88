"""People: who may sign in, what each role may do, and how a request proves whose it is."""
