"""Tables that other people wrote: read strictly, with every complaint at `file:row`. The one reader of all rooms."""
