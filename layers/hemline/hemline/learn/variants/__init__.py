"""How the variants of content slots perform: attributed exposures, then estimates. Begin with `exposures`."""
