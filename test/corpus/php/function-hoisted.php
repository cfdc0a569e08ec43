<?php
main($argv);

function main(array $argv): void
{
    echo count($argv);
}
