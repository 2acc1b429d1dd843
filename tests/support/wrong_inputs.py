"""The validation matrix of the action: inputs in place of right ones, and what is said to that."""

WRONG = [
    ({"huggingface_repo": ""}, "`huggingface_repo`: It is empty."),
    (
        {"huggingface_repo": "a/b/c"},
        "`huggingface_repo`: 'a/b/c' is not a repo id: it has more than one '/'.",
    ),
    ({"huggingface_repo": "alice/../x"}, "`huggingface_repo`: 'alice/../x' is not a repo id"),
    ({"repo_type": "spaces"}, "`repo_type`: There is no 'spaces'. Write model or dataset or space."),
    (
        {"space_sdk": "flask"},
        "`space_sdk`: There is no sdk 'flask'. Use one of gradio, streamlit, docker, static.",
    ),
    ({"space_sdk": "docker", "repo_type": "model"}, "`space_sdk`: A model has no sdk. Drop space_sdk"),
    ({"private": "maybe"}, "`private`: There is no 'maybe'. Write true or false."),
    ({"mirror": "1"}, "`mirror`: There is no '1'. Write true or false."),
    ({"plan_only": "on"}, "`plan_only`: There is no 'on'. Write true or false."),
    ({"wait": "sometimes"}, "`wait`: There is no 'sometimes'. Write true or false."),
    ({"oidc": "yes"}, "`oidc`: There is no 'yes'. Write true or false."),
    ({"on_fork": "deploy"}, "`on_fork`: There is no 'deploy'. Write skip or fail."),
    ({"wait_seconds": "long"}, "`wait_seconds`: 'long' is not a number of seconds."),
    ({"wait_seconds": "-1"}, "`wait_seconds`: '-1' is not a number of seconds."),
    ({"wait_seconds": "inf"}, "`wait_seconds`: 'inf' is not a number of seconds."),
    ({"wait_seconds": "nan"}, "`wait_seconds`: 'nan' is not a number of seconds."),
    ({"probe": "health"}, "`probe`: "),
    ({"probe": "/", "repo_type": "dataset"}, "`probe`: A dataset has no app to ask. Remove it."),
    ({"probe": "/", "wait": "false"}, "`probe`: An app can be asked once it is live. Remove `wait: false`."),
    ({"variables": "A"}, "`variables`: A has no value. Write NAME=VALUE, one a line."),
    ({"variables": "A=1\nA=2"}, "`variables`: A is given twice. Keep one of them."),
    ({"variables": "A=1", "repo_type": "model"}, "`variables`: A model has no variable. Drop variables"),
    ({"secrets": "API_KEY=1"}, "`secrets`: A line is not the name of an environment variable."),
    ({"secrets": "UNSET"}, "`secrets`: UNSET is not set. Set it in this step's or job's `env:`."),
    ({"hf_token": ""}, "`hf_token`: It is empty."),
    ({"oidc": "true"}, "`oidc`: It takes the place of `hf_token`. Remove one of them."),
    (
        {"oidc": "true", "hf_token": "", "huggingface_repo": "app"},
        "`oidc`: A job's identity has no namespace",
    ),
    (
        {"oidc": "true", "hf_token": ""},
        "`oidc`: The job has no identity. Give it `permissions: id-token: write`.",
    ),
]
