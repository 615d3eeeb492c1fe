"""What the device needs beside the model, made from the memory table and stored in the model."""
