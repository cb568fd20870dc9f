"""A predictor as one ONNX file: raw columns in, labels, probabilities or values out."""
