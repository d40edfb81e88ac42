"""How it looks: charts and the renderer that shows them everywhere, offline."""
