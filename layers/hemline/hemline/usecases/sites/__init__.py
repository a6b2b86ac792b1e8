"""What operators do to a site: the brake, the live site file, and the reach of a change."""
