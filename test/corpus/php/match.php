<?php
echo match (true) {
    $argc > 5 => "many",
    default => "few",
};
