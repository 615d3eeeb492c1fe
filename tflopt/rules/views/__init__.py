"""Rules about views: RESHAPE and what does nothing but give the same bytes another shape.

A rule belongs here if the operators that it removes or moves copy nothing but bytes in order;
what permutes, pads or cuts belongs in movement."""
