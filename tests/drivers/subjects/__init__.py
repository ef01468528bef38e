"""How each driver's steps are made to do what the conformance suite asks of them, a file a driver."""
