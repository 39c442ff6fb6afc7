"""What the measured numbers mean against the limits of the platform."""
