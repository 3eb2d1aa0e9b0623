"""Charts as inline SVG and tables: pure functions from figures to markup, drawn with the page's own colours."""
