"""The quick-look after a test: what happened, how far from its limits everything stayed, and how good the link was.

``measure`` reads a recording and keeps figures of bounded size (``figures_of``, ``link_course``, ``closeup``);
``contents``, ``margin`` and ``comparison`` put them in words and tables; ``plots`` draws; ``html`` and ``markdown``
write.
"""
