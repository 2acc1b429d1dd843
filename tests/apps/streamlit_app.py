"""A Streamlit app: what is typed comes back, and an upload is measured."""

import streamlit

name = streamlit.text_input("name")
if streamlit.button("Greet"):
    streamlit.write(f"hello {name}")
uploaded = streamlit.file_uploader("file")
if uploaded is not None:
    streamlit.write(f"{len(uploaded.getvalue())} bytes")
