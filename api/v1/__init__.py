"""Version 1 of the HTTP API. A module for each subject; ``schemas`` has what they speak."""
