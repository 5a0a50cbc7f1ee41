"""The pages beside the chat: recognise, find, add and subtract, make. Each is a tab with a link of its own.

`site` puts them into the app; a page is one file (`recognise`, `find`, `combine`, `generate`) over what they share:
`page` (form, examples, buttons), `work` (the joint space, in line with the chat), `link` (what a link holds),
`galleries` (what is searched), `drawing` and `charts` (results as HTML), `downloads`. Results come from
`pointllm.tasks`.
"""
