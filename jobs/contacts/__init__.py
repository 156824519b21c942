"""The contact list of a data folder: whom files and earlier lists rule out, and what the list costs and brings."""
