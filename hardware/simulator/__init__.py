"""A vehicle to receive when none is on the pad: the synthetic flight of OneSpace's OS-X suborbital rocket.

``atmosphere`` is the air, ``rocket`` what OS-X is taken to be, ``motion`` what moves it, ``trajectory`` its flight.
Nothing here was recorded: the flight is computed to meet the few figures that were published, and whatever shows it
says that it is synthetic.
"""
