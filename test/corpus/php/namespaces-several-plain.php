<?php
namespace One;
function f() { return "1"; }
namespace Two;
function f() { return "2"; }
echo \One\f(), f();
