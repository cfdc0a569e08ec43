<?php
namespace One {
    const X = 1;
}
namespace {
    echo \One\X;
}
