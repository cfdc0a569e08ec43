<?php
#[Attribute]
final class A {}
#[A] function f() { return "attr"; }
echo f();
