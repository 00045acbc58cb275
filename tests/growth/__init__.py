"""No input costs more than linear time: what is tried, on what, and in a child process that can be killed."""
