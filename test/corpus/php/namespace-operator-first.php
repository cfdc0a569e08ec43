<?php
namespace\main();
function main() { echo "operator"; }
