"""Thousands of reports, to be stopped and started again at any moment.

Data flows one way: `inputs` lists files, `scheduler` hands out those of which `manifest` knows no result,
`pool` has them read by processes that run `worker`, `ray_pool` by such of many machines, `results`
writes what they give, and `dataset`, `workbook` and `page` are made of it at the end. The manifest is the
truth: a result counts once it says so. `mirror` keeps a copy of all of it elsewhere.
"""
