"""What a patient's text means: pure reading, no database, never an exception for what a person wrote."""
