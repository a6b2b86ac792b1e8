"""Reviews a site file as code is reviewed: rules that never hold, never win or never end. Begin with `site`."""
