<?php
#[
    A,
    B(1, "x"),
]
class C {}
echo "multi";
