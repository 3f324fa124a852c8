"""What the sizes in a message say: hypotheses with their arithmetic, a file a kind of numbers. The catalogue's templates ask them."""
