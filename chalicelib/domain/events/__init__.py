"""Events at the boundary: formats, payloads, rejections."""
