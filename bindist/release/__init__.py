"""Several files as one version, whole or invisible: `files`, `plan`, `journal`, `publish`."""
