"""The towers: from preprocessed input to an embedding; `registry` knows them by name."""
