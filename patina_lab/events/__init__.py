"""What happened: pure values that import nothing but the errors."""
