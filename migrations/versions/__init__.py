"""The steps. A file's number is its revision; a step that was released never changes."""
