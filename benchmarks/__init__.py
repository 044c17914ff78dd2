"""How long things take. Run by ``make bench``, never by the tests."""
