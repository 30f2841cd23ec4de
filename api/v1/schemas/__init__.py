"""What goes in and out, as pydantic models. What goes in forbids fields that nobody knows."""
