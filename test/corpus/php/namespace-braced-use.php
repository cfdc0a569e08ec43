<?php
namespace App {
    use DateTime;
    echo (new DateTime("@0"))->format("Y");
}
