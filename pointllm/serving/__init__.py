"""Serving many people at once: several copies of the app behind one port (`replicas`, `balancer`)."""
